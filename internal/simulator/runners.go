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

func drawRunner(t *JobTemplate, r *rand.Rand) Runner {
	switch t.Runner {
	case SelfHosted:
		size, pool := t.PoolSize, t.Pool
		if size == 0 {
			size = 4
		}
		if pool == "" {
			pool = "build"
		}
		i := 1 + r.IntN(size)
		name := fmt.Sprintf("%s-%02d", pool, i)
		return Runner{ID: poolID(t.Pool) + int64(i), Name: name, GroupID: 1, Group: "Default", Folded: name}
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

// poolID keeps the ids of one pool's runners apart from another's.
func poolID(pool string) int64 {
	id := int64(0)
	for _, b := range []byte(pool) {
		id = (id*31 + int64(b)) % 89
	}
	return 100 * id
}

func word(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}
