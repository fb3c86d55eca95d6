"""The browser leg: a real browser in which a person logs in, consents, reloads, goes back and is lied to.

`find` looks for a browser, `Leg` starts it once in a run, `Browser` is what a check gets: windows, one a person.
"""
