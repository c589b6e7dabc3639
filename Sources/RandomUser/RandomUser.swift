// RandomUser
