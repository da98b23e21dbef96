package simulator

import (
	"fmt"
	"math/rand/v2"
)

func matrixName(name string, i int) string { return fmt.Sprintf("%s (%d)", name, i) }

func hostedRunner(i int) Runner {
	id := int64(1000149200 + i)
	return Runner{ID: id, Name: fmt.Sprintf("GitHub Actions %d", id), Group: "GitHub Actions", Folded: "GitHub Actions"}
}

// podAlphabet is what Kubernetes makes name suffixes of.
const podAlphabet = "bcdfghjklmnpqrstvwxz2456789"

func drawRunner(class RunnerClass, r *rand.Rand) Runner {
	switch class {
	case SelfHosted:
		i := 1 + r.IntN(4)
		name := fmt.Sprintf("build-%02d", i)
		return Runner{ID: int64(i), Name: name, GroupID: 1, Group: "Default", Folded: name}
	case ScaleSet:
		return Runner{
			ID: 10_000 + r.Int64N(1_000_000), Name: "arc-runner-set-" + word(r, podAlphabet, 5) + "-runner-" + word(r, podAlphabet, 5),
			GroupID: 2, Group: "arc", Folded: "arc-runner-set",
		}
	case EC2:
		return Runner{
			ID: 2_000_000 + r.Int64N(1_000_000), Name: "i-0" + word(r, "0123456789abcdef", 16),
			GroupID: 3, Group: "ec2", Folded: "ec2",
		}
	default:
		return hostedRunner(r.IntN(90_000))
	}
}

func word(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}
