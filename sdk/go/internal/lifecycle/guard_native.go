//go:build !wasip1

package lifecycle

// isOfProgram cannot be said natively.
func isOfProgram(string) bool { return false }
