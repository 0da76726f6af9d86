"""Chats through a chat template, and checks of what the model sees."""
