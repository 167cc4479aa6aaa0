"""The pattern library."""
