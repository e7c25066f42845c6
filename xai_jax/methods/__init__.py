"""One folder a method. Folders never import each other; each offers ``Config`` with ``build() -> Method``."""
