"""``python -m pix2earth.documentation`` (``make docs``) writes all generated pages and schemas."""

from pix2earth.documentation import architecture, commands, keys, quotations
from pix2earth.settings import atomic

for module in (keys, architecture, commands, quotations):
    for path, content in module.generated_files().items():
        atomic.write_text(path, content)
        print(path)
