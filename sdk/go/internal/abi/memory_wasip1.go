package abi

import "unsafe"

func pointer(at uint32) unsafe.Pointer {
	place := uintptr(at)
	return *(*unsafe.Pointer)(unsafe.Pointer(&place))
}

func address(place *byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(place)))
}

func newBlock(size uint32) []byte {
	return make([]byte, size)
}

// pin makes what lies on a stack, which may be moved, lie on the heap.
func pin(place *byte, _ int) uint32 {
	pinned = append(pinned, place)
	return address(place)
}

//go:wasmexport cabi_realloc
func realloc(old, oldSize, align, size uint32) uint32 {
	return Realloc(old, oldSize, align, size)
}
