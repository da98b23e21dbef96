package config

import (
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"
)

// TestDurationsAreBounded: the program adds durations up and multiplies them, so none may be near the greatest there is.
func TestDurationsAreBounded(t *testing.T) {
	c := Default()
	c.Targets.Repositories = []string{"octo-org/octo-repo"}
	bounded := 0
	for key, value := range durations(reflect.ValueOf(c).Elem(), "") {
		bounded++
		preset := value.Int()
		value.SetInt(int64(60000 * 24 * time.Hour))
		var refused *Error
		if err := c.Validate(); !errors.As(err, &refused) || refused.Key != key {
			t.Errorf("%s may be 60000d long, or another key is blamed: %v", key, err)
		}
		value.SetInt(preset)
	}
	if bounded < 9 {
		t.Errorf("found %d durations", bounded)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// durations are all keys that hold a duration.
func durations(v reflect.Value, prefix string) map[string]reflect.Value {
	found := map[string]reflect.Value{}
	for _, field := range fieldsOf(v) {
		path := join(prefix, field.key)
		switch {
		case field.value.Type() == reflect.TypeFor[Duration]():
			found[path] = field.value
		case field.value.Kind() == reflect.Struct:
			maps.Copy(found, durations(field.value, path))
		}
	}
	return found
}
