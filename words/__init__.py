"""What Todoke says to people: problems, languages and the terms of Japanese disaster law."""
