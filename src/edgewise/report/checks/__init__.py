"""What a reader should know before relying on the model: each check looks at the content and reports what it found."""
