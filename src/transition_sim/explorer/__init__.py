"""The Jupyter view: sliders over one profile, ranges over calibrated worlds, a pinned run beside it.

`view` holds the state and needs no browser, `outcome` computes, `words` says it without a front-end, `widget` joins
the state to the notebook, where `explorer.js` draws it.
"""
