package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
)

// Webhook says where deliveries of a webhook come in. Without a secret file none do.
type Webhook struct {
	Path string `yaml:"path"`
	// SecretFile holds the webhook's secret; ReadSecret reads it.
	SecretFile string `yaml:"secret_file"`
	// ListenAddress is one of its own, HOST:PORT or :PORT; empty: where the metrics are.
	ListenAddress string `yaml:"listen_address"`
}

// On tells whether deliveries are received.
func (w Webhook) On() bool { return w.SecretFile != "" }

// ReadSecret reads the secret anew. Errors name the file, but never show what was read there.
func (w Webhook) ReadSecret() ([]byte, error) {
	data, err := readFile(w.SecretFile)
	if err != nil {
		return nil, fmt.Errorf("reading the webhook's secret file %s: %w", mask(w.SecretFile), err)
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" {
		return nil, fmt.Errorf("the webhook's secret file %s must hold a secret, but is empty", mask(w.SecretFile))
	}
	return []byte(secret), nil
}

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

func (w Webhook) check() *Error {
	if !plainPath.MatchString(w.Path) {
		return wrong("webhook.path", "must be a path such as /webhook, not %s", quote(w.Path))
	}
	if w.ListenAddress != "" {
		if _, _, err := net.SplitHostPort(w.ListenAddress); err != nil {
			return wrong("webhook.listen_address", "must be HOST:PORT or :PORT such as :9888, not %s", quote(w.ListenAddress))
		}
	}
	return nil
}

// checkSecret reads the secret once.
func (w Webhook) checkSecret() error {
	if !w.On() {
		return nil
	}
	if _, err := w.ReadSecret(); err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			return wrong("webhook.secret_file", "cannot be read: %s", cause)
		}
		return wrong("webhook.secret_file", "must hold the webhook's secret, but the file is empty")
	}
	return nil
}
