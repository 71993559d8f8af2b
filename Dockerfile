# JupyterLab with the project and its notebooks, for NVIDIA GPUs and CPUs; docs/docker.md says how to build and run it.
FROM python:3.12-slim-bookworm

# rasterio's wheel needs libexpat, which the slim image lacks. Debian removes former versions, so none is pinned.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libexpat1 \
 && rm -rf /var/lib/apt/lists/*

# TENSORFLOW=tensorflow leaves out CUDA, several GB.
ARG TENSORFLOW="tensorflow[and-cuda]"
WORKDIR /pix2earth
COPY requirements-notebooks.txt requirements-gpu.txt ./
RUN pip install --no-cache-dir --requirement requirements-notebooks.txt --constraint requirements-gpu.txt "$TENSORFLOW"
# TensorFlow 2.21 searches only some folders of the CUDA wheels by itself.
RUN find /usr/local/lib/python3.12/site-packages -path '*/nvidia/*/lib' -type d > /etc/ld.so.conf.d/cuda-wheels.conf \
 && ldconfig

# Files in mounted folders belong to this user: build with UID=$(id -u) to own them.
ARG UID=1000
RUN useradd --create-home --uid "$UID" pix2earth \
 && install --directory --owner pix2earth . data experiments maps
COPY --chown=pix2earth . .
USER $UID
ENV PYTHONUNBUFFERED=1 NVIDIA_DRIVER_CAPABILITIES=compute,utility
EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]
