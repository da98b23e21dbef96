package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchors = regexp.MustCompile(`[^a-z0-9 -]`)
)

// TestReadmeLinks: every file and every section that the text leads to exists.
func TestReadmeLinks(t *testing.T) {
	text := string(read(t, in("README.md")))
	anchors := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		anchors[strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	links := markdownLink.FindAllStringSubmatch(text, -1)
	if len(links) < 10 {
		t.Fatalf("only %d links found", len(links))
	}
	for _, l := range links {
		target := l[1]
		switch {
		case strings.HasPrefix(target, "http"):
		case strings.HasPrefix(target, "#"):
			if !anchors[target[1:]] {
				t.Errorf("no section %s", target)
			}
		default:
			if _, err := os.Stat(in(strings.SplitN(target, "#", 2)[0])); err != nil {
				t.Errorf("link: %v", err)
			}
		}
	}
}

// TestPicturesAreSmall: the repository is cloned by everybody.
func TestPicturesAreSmall(t *testing.T) {
	pictures, err := os.ReadDir(in("screenshots"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pictures {
		if info, err := p.Info(); err != nil || info.Size() > 300<<10 {
			t.Errorf("%s: %v, more than 300 KiB", p.Name(), err)
		}
	}
}
