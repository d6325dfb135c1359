//go:build !wasip1

package log

import (
	"fmt"
	"os"
)

func hostWrite(level Level, message string) {
	fmt.Fprintln(os.Stderr, level, message)
}
