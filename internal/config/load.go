package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Overrides are the flags that change or replace what the file says.
type Overrides struct {
	// Repositories (owner/name) are watched in addition to the file's.
	Repositories []string
	// StoragePath, if not empty, replaces storage.path; it is relative to the working directory, not to the file.
	StoragePath string
}

// Load reads the configuration file and the environment. Relative paths in the file, and the default storage path,
// are resolved against the file's directory. The error is an *Error.
func Load(path string) (*Config, error) { return LoadWith(path, Overrides{}) }

// LoadWith is Load with flags applied before anything is validated. With an empty path there is no file: all that the
// flags do not say is default, and paths are relative to the working directory.
func LoadWith(path string, o Overrides) (*Config, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	c, lines, err := read(path)
	if err == nil {
		c.override(o)
		err = c.finish()
	}
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			e = &Error{Problem: err.Error()}
		}
		located := *e
		if located.File == "" {
			located.File = path
		}
		if located.File == path && located.Line == 0 {
			located.Line = lines.of(located.Key)
		}
		return nil, &located
	}
	return c, nil
}

func read(path string) (*Config, positions, error) {
	c := Default()
	if path == "" {
		return c, nil, nil
	}
	data, err := readFile(path)
	if err != nil {
		return nil, nil, &Error{Problem: "cannot be read: " + err.Error()}
	}
	lines, err := parse(data, c)
	if err != nil {
		return nil, lines, err
	}
	dir := filepath.Dir(path)
	for _, p := range []*string{&c.GitHub.TokenFile, &c.GitHub.App.PrivateKeyFile, &c.GitHub.TLSConfig.CAFile, &c.Webhook.SecretFile, &c.Storage.Path} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	return c, lines, nil
}

func (o Overrides) check() error {
	for _, repository := range o.Repositories {
		if !validRepository(repository) {
			return &Error{File: "--github.repository", Problem: "must be owner/name such as octo-org/octo-repo, not " + quote(repository) + repositoryHint(repository)}
		}
	}
	return nil
}

func (c *Config) override(o Overrides) {
	for _, repository := range o.Repositories {
		if !containsFold(c.Targets.Repositories, repository) {
			c.Targets.Repositories = append(c.Targets.Repositories, repository)
		}
	}
	if o.StoragePath != "" {
		c.Storage.Path = o.StoragePath
	}
}

// maxFile bounds what is read of any file named in the configuration, and of itself.
const maxFile = 1 << 20

// readFile returns errors without the path, which the caller names.
func readFile(path string) ([]byte, error) {
	data, err := readBounded(path)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return nil, pathErr.Err
	}
	return data, err
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("it is a directory, not a file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return data, err
}
