"""Every rule that touches two kinds of things. No request, no session, no current user in here.

Services add to the database session and flush; whoever calls them commits. The exceptions are on the way
of a prediction, which holds no transaction while it is scored: the recorder commits records on its own, the
use of a token is noted at once, and reading ends before recording begins.
"""
