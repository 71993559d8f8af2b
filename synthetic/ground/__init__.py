"""The ground: land cover, reflectance and backscatter of synthetic scenes, without sensor effects."""
