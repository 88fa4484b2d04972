"""The agents of the example, as their developers would write them: official SDKs, one line each."""
