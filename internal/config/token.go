package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// TokenVariable is the environment variable that may hold the token.
const TokenVariable = "GITHUB_TOKEN"

// ReadToken reads the token anew from where it is kept: the file, else the environment. Without either it returns "":
// requests are then anonymous. Errors name the place, but never show what was read there.
func (g GitHub) ReadToken() (string, error) {
	switch {
	case g.TokenFile != "":
		data, err := readFile(g.TokenFile)
		if err != nil {
			return "", fmt.Errorf("reading token file %s: %w", mask(g.TokenFile), err)
		}
		token, err := cleanToken(string(data))
		if err != nil {
			return "", fmt.Errorf("token file %s %w", mask(g.TokenFile), err)
		}
		return token, nil
	case g.TokenFromEnv:
		token, err := cleanToken(os.Getenv(TokenVariable))
		if err != nil {
			return "", fmt.Errorf("environment variable %s %w", TokenVariable, err)
		}
		return token, nil
	}
	return "", nil
}

// checkToken reads a token of the environment once, so that one that can never work is found at once. A token file is
// not looked into: it may come or be mended while the program runs, which says so and asks again meanwhile.
func (g GitHub) checkToken() error {
	if !g.TokenFromEnv {
		return nil
	}
	if _, err := g.ReadToken(); err != nil {
		return &Error{File: "environment variable " + TokenVariable, Problem: errors.Unwrap(err).Error()}
	}
	return nil
}

// cleanToken removes the line break that editors add. What else could not stand in a header is refused here, as net/http
// would show it in its error.
func cleanToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	if token == "" {
		return "", errors.New("must hold a token, but is empty")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return "", errors.New("must hold nothing but one token, without spaces or line breaks in it")
		}
	}
	return token, nil
}
