package lifecycle

import (
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"
)

// lineBytesMax is a little below where the host cuts lines.
const lineBytesMax = 500

// words say where a panic was, and why if that is a text of the program or of the runtime. One that was put together at
// run time may hold text of the exchange, which does not belong into logs.
func words(problem any, place string) string {
	message := "a message that is not shown because it may hold text of the exchange"
	switch problem := problem.(type) {
	case runtime.Error:
		message = problem.Error()
	case string:
		if isOfProgram(problem) {
			message = problem
		}
	}
	line := "panicked at " + place + ": " + message
	if len(line) > lineBytesMax {
		end := lineBytesMax
		for !utf8.RuneStart(line[end]) {
			end--
		}
		line = line[:end]
	}
	return line
}

// place says where the code that recovers from a panic was torn out: the first place below the runtime's.
func place() string {
	var counters [32]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(2, counters[:])])
	inPanic := false
	for {
		frame, more := frames.Next()
		ofRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if inPanic && !ofRuntime {
			file := frame.File[strings.LastIndexByte(frame.File, '/')+1:]
			return file + ":" + strconv.Itoa(frame.Line) + " in " + frame.Function
		}
		inPanic = inPanic || frame.Function == "runtime.gopanic"
		if !more {
			return "a place that is not known"
		}
	}
}
