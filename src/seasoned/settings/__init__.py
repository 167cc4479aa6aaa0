"""One typed tree of settings: file < environment < flag.

Files are ``seasoned.toml``: the user's (``$XDG_CONFIG_HOME/seasoned/seasoned.toml``) and the project's (found from the
working directory upwards), the project's over the user's. Environment variables are ``SEASONED_`` and the setting's
path with ``__`` between (``SEASONED_IMPORTS__JOBS``); the two most used have short names, ``SEASONED_HOME`` for the
data folder and ``SEASONED_DATABASE_URL`` for the store. An unknown key or a bad value stops with its file, line and
what is allowed. Rooms receive values; only this room reads the environment.
"""

from seasoned.settings.loading import Loaded, Origin, load, without_password
from seasoned.settings.sections import (
    AdviceSettings,
    EmbedSettings,
    ImportSettings,
    KnowledgeSettings,
    LearnSettings,
    LibrarySettings,
    LimitsSettings,
    RedactionSettings,
    ServiceSettings,
    Settings,
    SimilaritySettings,
    StoreSettings,
)

__all__ = [
    "AdviceSettings",
    "EmbedSettings",
    "ImportSettings",
    "KnowledgeSettings",
    "LearnSettings",
    "LibrarySettings",
    "LimitsSettings",
    "Loaded",
    "Origin",
    "RedactionSettings",
    "ServiceSettings",
    "Settings",
    "SimilaritySettings",
    "StoreSettings",
    "load",
    "without_password",
]
