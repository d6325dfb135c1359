//go:build !wasip1

package clock

import (
	"sync/atomic"
	"time"
)

var set atomic.Pointer[time.Time]

// Set has the clock stand at this time; the zero time has it go again. For tests.
func Set(now time.Time) {
	if now.IsZero() {
		set.Store(nil)
		return
	}
	set.Store(&now)
}

func hostNowMs() uint64 {
	if now := set.Load(); now != nil {
		return uint64(now.UnixMilli())
	}
	return uint64(time.Now().UnixMilli())
}
