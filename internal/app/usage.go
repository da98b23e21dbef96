package app

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github_workflow_exporter/internal/config"
)

// CheckArguments finds in a command line what kingpin says nothing or something misleading about: a flag without its value,
// which it passes over at the end of the line and lays on the next flag elsewhere, and a value for a flag that takes none.
func CheckArguments(cli *kingpin.ApplicationModel, arguments []string) error {
	flags := flagsOf(cli)
	for i := 0; i < len(arguments); i++ {
		argument := arguments[i]
		if argument == "--" {
			return nil
		}
		name, value, assigned := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
		flag, known := flags[name]
		switch {
		case !strings.HasPrefix(argument, "--") || !known:
		case flag.IsBoolFlag() && assigned:
			return fmt.Errorf("--%s takes no value: --%s switches it on, --no-%s off", name, name, name)
		case flag.IsBoolFlag():
		case assigned && value == "" && !slices.Contains(flag.Default, ""):
			return needsValue(flag)
		case assigned:
		case i+1 == len(arguments) || strings.HasPrefix(arguments[i+1], "-"):
			return needsValue(flag)
		default:
			i++ // the value
		}
	}
	return nil
}

func needsValue(flag *kingpin.FlagModel) error {
	return fmt.Errorf("--%s needs a value: --%s=%s", flag.Name, flag.Name, strings.Trim(flag.FormatPlaceHolder(), `"`))
}

// flagsOf are the flags of the program and of all its commands, by name.
func flagsOf(cli *kingpin.ApplicationModel) map[string]*kingpin.FlagModel {
	all := map[string]*kingpin.FlagModel{}
	for _, f := range cli.Flags {
		all[f.Name] = f
	}
	for _, c := range cli.FlattenedCommands() {
		for _, f := range c.Flags {
			all[f.Name] = f
		}
	}
	return all
}

var (
	unknownFlag    = regexp.MustCompile(`^unknown long flag '--(.*)'$`)
	unknownCommand = regexp.MustCompile(`^(?:unexpected (.*)|expected command but got "(.*)")$`)
)

// UsageError words what kingpin finds wrong in a command line for somebody who meets the program for the first time.
func UsageError(cli *kingpin.ApplicationModel, arguments []string, err error) error {
	text := err.Error()
	if text == "must select a subcommand of 'ledger'" {
		return errors.New("ledger needs one of its commands: ledger check or ledger backup FILE")
	}
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		var names []string
		for name := range flagsOf(cli) {
			names = append(names, name)
		}
		slices.Sort(names)
		return errors.New("unknown flag --" + m[1] + suggest("--", m[1], names))
	}
	if m := unknownCommand.FindStringSubmatch(text); m != nil {
		word := m[1] + m[2]
		var names []string
		for _, c := range cli.FlattenedCommands() {
			names = append(names, strings.Fields(c.FullCommand)...)
		}
		hint := suggest("", word, names)
		switch {
		case slices.Contains(names, word):
			hint = "; one command at a time"
		case hint != "":
		case slices.Contains(arguments, "ledger"):
			hint = "; the ledger's directory is named by --storage.path=" + word
		case strings.HasSuffix(word, ".yml") || strings.HasSuffix(word, ".yaml"):
			hint = "; a configuration file is named by --config.file=" + word
		case strings.Contains(word, "/"):
			hint = "; --github.repository is given once for each repository"
		}
		return errors.New("unexpected argument " + word + hint)
	}
	return err
}

func suggest(before, word string, names []string) string {
	if near := config.Nearest(word, names); near != "" {
		return "; did you mean " + before + near + "?"
	}
	return ""
}
