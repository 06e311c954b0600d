"""What servers say in words, whoever runs them. The first rule that matches decides."""

from tracker.explain.texts_about_address import ABOUT_ADDRESS
from tracker.explain.texts_about_message import ABOUT_MESSAGE
from tracker.explain.texts_about_sender import ABOUT_SENDER
from tracker.explain.texts_about_server import ABOUT_SERVER

TEXTS = (*ABOUT_SENDER, *ABOUT_MESSAGE, *ABOUT_ADDRESS, *ABOUT_SERVER)
