// Package log writes to the gateway's log. Lines are bounded in length and number. Never write text of an exchange.
//
// Natively, in tests, lines go to standard error.
package log

// Debug writes a line for whoever looks for a mistake.
func Debug(message string) { hostWrite(LevelDebug, message) }

// Info writes a line for whoever wants to know.
func Info(message string) { hostWrite(LevelInfo, message) }

// Warn writes a line about what may be wrong.
func Warn(message string) { hostWrite(LevelWarn, message) }

// Error writes a line about what is wrong.
func Error(message string) { hostWrite(LevelError, message) }
