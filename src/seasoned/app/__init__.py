"""The only place that builds things: settings in, a wired ``Seasoned`` out."""

from seasoned.app.seasoned import Seasoned

__all__ = ["Seasoned"]
