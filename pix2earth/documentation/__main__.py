"""``python -m pix2earth.documentation`` (``make docs``) writes all generated pages; tests compare them."""

from pix2earth.documentation import architecture, commands, keys
from pix2earth.settings import atomic

for path, content in {**keys.contents(), **architecture.contents(), **commands.contents()}.items():
    atomic.write_text(path, content)
    print(path)
