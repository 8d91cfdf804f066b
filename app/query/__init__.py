"""The query language: one grammar for the history page, the API, exports and the command line.

`age:>60 country:FR -channel:form prediction:(deny OR refer) probability:0.45..0.55 model:churn@3
at:2026-11-01..2026-11-20 "free text"`: text becomes a tree (`syntax`), the tree becomes conditions on
typed fields (`fields`, `checking`), and those can be said in a sentence (`wording`). No database here.
"""
