package lifecycle

import (
	"syscall"
	"unsafe"

	"github.com/sluicegate/sluicegate/sdk/go/log"
)

// Guard ends an export in which there was a panic: the host sees a trap, and the log tells of it.
func Guard() {
	if problem := recover(); problem != nil {
		log.Error(words(problem, place()))
		// The exit is a trap.
		syscall.Exit(2)
	}
}

// lastOfProgram lies behind all texts of the program: its variables do.
var lastOfProgram byte

// isOfProgram says whether a text stands in the program, and was not put together.
func isOfProgram(text string) bool {
	return uintptr(unsafe.Pointer(unsafe.StringData(text))) < uintptr(unsafe.Pointer(&lastOfProgram))
}
