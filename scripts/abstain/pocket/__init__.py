"""The world of the pocket model: kinds of chats, modes, how they are composed, its pretraining and its assessment."""
