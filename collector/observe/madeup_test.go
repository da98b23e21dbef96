package observe

import (
	"math/rand/v2"
	"testing"
)

func TestMadeUp(t *testing.T) {
	for _, id := range []string{
		"7f3kq2m8vt1xa", "35s2fpgxt932z", "kVnPzHXDa2Gv7", "45KyBBoFsETyy", "Pu2rIBGrVNOV", "x8k2m9q4r7t1", "01hzy3v5w8q2k7n4m6p9r1s3td",
		"7F3KQ2M8VT1XA", "kVnPzHXDqGvQw", "9b1x7c3z5k",
	} {
		if !madeUp(id) {
			t.Errorf("%s is taken for a word", id)
		}
	}
	for _, word := range []string{
		"", "a", "ubuntu2204arm64", "ubuntu2204x64v2", "windows2022x64", "buildserver01", "jenkinsagent12", "ubuntu22large02", "MacBookProMax16",
		"MacBookPro16M1", "iMac27Retina5K", "m1max64gb16c", "rtx3090boxes", "k8snode01", "b12r04u22s1", "srvbln01dc02", "SRVBLN01DC02",
		"XYZCorpNYCDC", "production", "selfhosted", "BuildServerTwo", "vs2022enterprise", "amd64docker20", "201612345678",
		"linuxarm64v8", "win11enterprise", "node20alpine", "postgres16alpine", "xcode154macos14", "QA2BuildBox01",
	} {
		if madeUp(word) {
			t.Errorf("%s is taken for made up", word)
		}
	}
}

// Nearly all that programs draw is recognised.
func TestMadeUpOfDrawnOnes(t *testing.T) {
	const digits, lower, upper = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	r := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		alphabet string
		length   int
		atLeast  int // of a thousand
	}{
		{digits + lower, 10, 800}, {digits + lower, 13, 900}, {digits + lower, 20, 950}, {digits + lower + upper, 12, 880},
		{digits + lower + upper, 13, 900}, {digits + lower + upper, 20, 950}, {"0123456789abcdefghjkmnpqrstvwxyz", 13, 900},
		{"abcdefghijklmnopqrstuvwxyz234567", 16, 880}, {"bcdfghjklmnpqrstvwxz2456789", 10, 900},
	} {
		found := 0
		for range 1000 {
			id := make([]byte, tt.length)
			for i := range id {
				id[i] = tt.alphabet[r.IntN(len(tt.alphabet))]
			}
			if madeUp(string(id)) {
				found++
			}
		}
		t.Logf("%d of %.20s…: %d", tt.length, tt.alphabet, found)
		if found < tt.atLeast {
			t.Errorf("%d of 1000 of length %d of %s are recognised, want %d", found, tt.length, tt.alphabet, tt.atLeast)
		}
	}
}
