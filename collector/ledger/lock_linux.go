package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockPlace locks the name of a directory within its parent, whatever it leads to: with an abstract socket, which needs no
// file and ends with the process. It keeps away processes of the same network namespace only. ErrLocked says that another
// process has it, any other error that it cannot be had.
func lockPlace(dir string, timeout time.Duration) (io.Closer, error) {
	name, err := placeName(dir)
	if err != nil {
		return nil, err
	}
	const wait = 10 * time.Millisecond
	for start := time.Now(); ; <-time.After(wait) {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			return nil, err
		}
		at := &syscall.SockaddrUnix{Name: name}
		if err = syscall.Bind(fd, at); err == nil {
			_ = syscall.Listen(fd, 1) // for others to see whose it is; nobody is answered
			return os.NewFile(uintptr(fd), name), nil
		}
		theirs := errors.Is(err, syscall.EADDRINUSE) && !strangers(fd, at)
		_ = syscall.Close(fd)
		switch {
		case !theirs:
			return nil, err
		case time.Since(start) >= timeout:
			return nil, ErrLocked
		}
	}
}

// placeName names a directory by its parent, and by the file system that it lies on: two containers may have another one
// each at the same place.
func placeName(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", err
	}
	var own, parent syscall.Stat_t
	if err := errors.Join(syscall.Stat(dir, &own), syscall.Stat(filepath.Dir(dir), &parent)); err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %s", own.Dev, parent.Dev, parent.Ino, filepath.Base(dir)))
	return fmt.Sprintf("@github_workflow_exporter/%x", sum[:16]), nil
}

// strangers tells whether a socket belongs to another user, but for root: anybody may take any name, to no effect.
func strangers(fd int, at syscall.Sockaddr) bool {
	if err := syscall.Connect(fd, at); err != nil {
		return false
	}
	peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	return err == nil && peer.Uid != 0 && int(peer.Uid) != os.Geteuid()
}
