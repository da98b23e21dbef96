//go:build !race

package app

// raceDetector makes everything several times as slow: the long tests live through less then.
const raceDetector = false
