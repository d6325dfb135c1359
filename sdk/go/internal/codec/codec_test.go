package codec

import (
	"bytes"
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/abi"
)

func some[T any](value T) *T { return &value }

// back writes a value, and reads it again.
func back[T any](value T, size uint32, store func(uint32, T), load func(uint32) T) T {
	at := abi.Alloc(size, 8)
	store(at, value)
	return load(at)
}

var segment = sluicegate.Segment{ID: 7, Role: sluicegate.RoleTool, Channel: sluicegate.ChannelOther, Choice: 1, Name: some("🦉"), Text: "e\u0301"}

func TestValuesComeBack(t *testing.T) {
	request := sluicegate.Request{
		Exchange: sluicegate.Exchange{ID: "1", Tenant: "t", User: some(""), Session: nil, Step: 3, Model: "m", Streaming: true,
			Attributes: []sluicegate.Attribute{{Name: "a", Value: "b"}, {Name: "c"}}},
		Segments:       []sluicegate.Segment{segment, {Text: "x"}},
		Tools:          []sluicegate.ToolDefinition{{Name: "n", Description: "d", Parameters: "{}"}},
		AnswerSchema:   some("{}"),
		TokensEstimate: 1 << 31,
	}
	if got := back(request, 120, StoreRequest, LoadRequest); !reflect.DeepEqual(got, request) {
		t.Errorf("%+v", got)
	}
	for _, usage := range []*sluicegate.Usage{nil, {InputTokens: 1, CachedInputTokens: 2, OutputTokens: 3, ReasoningTokens: 4}} {
		answer := sluicegate.Answer{Target: "t", Segments: []sluicegate.Segment{segment}, Finish: sluicegate.FinishOther, Usage: usage}
		if got := back(answer, 48, StoreAnswer, LoadAnswer); !reflect.DeepEqual(got, answer) {
			t.Errorf("%+v", got)
		}
	}
	for _, finding := range []sluicegate.Finding{{Rule: "r", Score: 0.5}, sluicegate.FindingAt("r", sluicegate.Span{Start: 1, End: 2}, 1)} {
		if got := back(finding, 24, StoreFinding, LoadFinding); !reflect.DeepEqual(got, finding) {
			t.Errorf("%+v", got)
		}
	}
	for _, err := range []sluicegate.PluginError{{Case: sluicegate.PluginErrorUnsupported, Message: "u"}, {Case: sluicegate.PluginErrorOther, Message: "o"}} {
		if got := back(err, 12, StorePluginError, LoadPluginError); got != err {
			t.Errorf("%+v", got)
		}
	}
}

func TestTheLayoutIsTheCanonicalOne(t *testing.T) {
	at := abi.Alloc(48, 4)
	StoreSegment(at, segment)
	// id, role, channel, two bytes in between, choice, name, text.
	head := abi.Bytes(at, 16)
	if !bytes.Equal(head, []byte{7, 0, 0, 0, 3, 8, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}) {
		t.Errorf("%v", head)
	}
	if abi.LoadString(at+16) != "🦉" || abi.LoadString(at+24) != "e\u0301" {
		t.Error("the texts are not where they belong")
	}
	StoreEdit(at, sluicegate.Restore(sluicegate.Span{Start: 258, End: -1}, "x"))
	if got := abi.Bytes(at, 8); !bytes.Equal(got, []byte{2, 1, 0, 0, 0, 0, 0, 0}) {
		t.Errorf("%v", got)
	}
	if abi.LoadByte(at+16) != 1 {
		t.Error("it is not to be restored")
	}
}
