"""Why a plugin could not do its work. None of it is a verdict: the operator's failure mode then applies."""


class ConfigError(ValueError):
    """What is wrong with the configuration, in a sentence for the operator. The previous version of the plugin stays in service."""


class PluginError(Exception):
    """Why this call has no result, in words that hold no text of the exchange."""


class Unsupported(PluginError):
    """The input is of a form that this plugin does not handle."""


class Unavailable(PluginError):
    """A granted capability did not answer. The errors of `kv`, `http`, `embedding` and `model` are of this kind, so that one that is not
    caught says what it should."""
