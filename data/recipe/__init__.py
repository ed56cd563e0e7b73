# SPDX-License-Identifier: MIT
"""The steps of data/debian-docs: domains (what), fetch, cut, dedup, publish."""
