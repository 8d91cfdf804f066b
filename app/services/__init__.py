"""Every rule that touches two kinds of things. No request, no session, no current user in here.

Services add to the database session and flush; whoever calls them commits. The one exception is the
recorder, which commits on its own.
"""
