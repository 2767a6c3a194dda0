"""Sphinx configuration: `make docs`."""

project = "skypact"
author = "The skypact authors"
copyright = author  # noqa: A001 - the name Sphinx asks for
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "skypact"

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
default_role = "literal"
napoleon_google_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # else properties would be described twice
napoleon_use_rtype = False
myst_heading_anchors = 3
