package transport

// growPipe does nothing: the system makes a pipe larger by itself.
func growPipe(int) {}
