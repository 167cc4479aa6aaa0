"""Advice: what the past says about the task at hand."""

from seasoned.advise.recommended import Recommendation, Recommended, recommended
from seasoned.advise.similar import SimilarTaskFinder

__all__ = ["Recommendation", "Recommended", "SimilarTaskFinder", "recommended"]
