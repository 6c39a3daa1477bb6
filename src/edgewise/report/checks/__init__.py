"""What a reader should know before relying on the model: each check looks at the content and says what it found."""
