package app

import (
	"bytes"
	"strings"
	"sync"
)

// lines collects what a process says.
type lines struct {
	mu      sync.Mutex
	said    bytes.Buffer
	changed chan struct{}
	ended   bool
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake()
	return l.said.Write(b)
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.wake()
}

func (l *lines) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// find returns the first whole line with all the texts, "" if there is none; then changed is closed at the next change.
func (l *lines) find(texts []string) (line string, changed <-chan struct{}, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.said.String()) {
		if strings.HasSuffix(line, "\n") && holds(line, texts) {
			return strings.TrimSuffix(line, "\n"), nil, l.ended
		}
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return "", l.changed, l.ended
}

// has tells whether a line with all the texts was said.
func (l *lines) has(texts ...string) bool {
	line, _, _ := l.find(texts)
	return line != ""
}

func holds(line string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(line, text) {
			return false
		}
	}
	return true
}
