// Package clock tells the time, for plugins whose installation has `[grants.clock]`. The package time has none in the
// gateway: time.Now says 1970 there.
//
// Natively, in tests, it is the time of the machine, or what Set has set.
package clock

import "time"

// Now gives the time, in UTC, to the millisecond. In the gateway it ends the call of Configure, in whose snapshot the time would
// stand still.
func Now() time.Time {
	return time.UnixMilli(int64(hostNowMs())).UTC()
}
