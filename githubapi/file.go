package githubapi

import (
	"fmt"
	"io"
	"os"
	"time"
)

// fileCheckEvery is how often a file is looked at, at most, whether it has changed.
const fileCheckEvery = time.Second

// watchedFile is a small file whose content is read again when it changes. It is not safe for concurrent use.
type watchedFile struct {
	what string // for errors, such as "token file"
	path string
	most int // bytes
	now  func() time.Time

	content []byte
	fresh   bool        // content is what the file held when seen was taken
	seen    os.FileInfo // of the file as it was read
	checked time.Time
}

// read gives the content as it is now, looked at no more than about once a second. It must not be changed.
func (f *watchedFile) read() ([]byte, error) {
	now := f.now()
	if f.fresh && now.Sub(f.checked) < fileCheckEvery {
		return f.content, nil
	}
	info, err := os.Stat(f.path)
	if err != nil {
		f.fresh = false
		return nil, fmt.Errorf("%s: %w", f.what, err)
	}
	f.checked = now
	if f.fresh && sameContent(f.seen, info) {
		return f.content, nil
	}
	f.fresh = false
	if f.content, err = f.readAll(); err != nil {
		return nil, err
	}
	f.fresh, f.seen = true, info // info from before reading: a write in between is seen next time
	return f.content, nil
}

// forget makes the next read look into the file whether it looks changed or not.
func (f *watchedFile) forget() { f.fresh = false }

func (f *watchedFile) readAll() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.what, err)
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, int64(f.most)+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.what, err)
	}
	if len(raw) > f.most {
		return nil, fmt.Errorf("%s %s: larger than %d bytes, expected just the %s", f.what, f.path, f.most, f.what[:len(f.what)-len(" file")])
	}
	return raw, nil
}

// sameContent tells by what a stat shows; mounted secrets are swapped by symlink, hence the identity.
func sameContent(a, b os.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}
