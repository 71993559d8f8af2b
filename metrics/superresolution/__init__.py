"""What a super-resolved image is worth: consistency with the input, and what is added, right, wrong or left out.

Source: Aybar et al. 2024, "A comprehensive benchmark for optical remote sensing image super-resolution", IEEE GRSL.
"""
