"""The catalogue of requirements: what the specifications say, one file each, and who verifies it."""

from conformance.requirements.load import Catalogue, CatalogueError, check_catalogue, load
from conformance.requirements.model import Requirement, Specification

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Requirement",
    "Specification",
    "check_catalogue",
    "load",
]
