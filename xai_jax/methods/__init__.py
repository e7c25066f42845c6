"""One folder a method, none importing another; each offers ``Config.build() -> Method``."""
