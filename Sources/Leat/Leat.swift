// Leat
