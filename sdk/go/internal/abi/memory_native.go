//go:build !wasip1

package abi

import "unsafe"

// memory stands for the memory of a plugin.
var memory [16 << 20]byte

// used is how much of it is taken: place 0 is none.
var used = uint32(64)

func pointer(at uint32) unsafe.Pointer {
	return unsafe.Pointer(&memory[at])
}

func address(place *byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(place)) - uintptr(unsafe.Pointer(&memory[0])))
}

func newBlock(size uint32) []byte {
	at := used
	used += (size + 15) &^ 15
	return memory[at : at+size : at+size]
}

// pin copies: what is elsewhere has no number.
func pin(place *byte, size int) uint32 {
	at := Alloc(uint32(size), 1)
	copy(Bytes(at, uint32(size)), unsafe.Slice(place, size))
	return at
}
