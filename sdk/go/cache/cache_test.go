package cache

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/sluicegate/sluicegate/sdk/go/internal/abi"
)

func TestValuesComeBack(t *testing.T) {
	for _, i := range []Intention{Bypass(), LookUp("k", time.Minute), LookUpByMeaning("k", Forever, "t", 0.5)} {
		at := abi.Alloc(48, 8)
		storeIntention(at, i)
		if got := loadIntention(at); !reflect.DeepEqual(got, i) {
			t.Errorf("%+v", got)
		}
	}
	at := abi.Alloc(48, 8)
	storeIntention(at, LookUp("k", Forever))
	if got := abi.LoadU64(at + 8 + 24); got != math.MaxUint64 {
		t.Error("forever is", got)
	}
}
