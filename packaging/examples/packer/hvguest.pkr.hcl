# Packer: brings hvguest into a machine that is being built, as a provisioner.

variable "hvguest" {
  type        = string
  description = "The executable on the machine that runs packer"
  default     = "dist/hvguest"
}

source "null" "example" {
  communicator = "none"
}

build {
  sources = ["source.null.example"]

  provisioner "file" {
    source      = var.hvguest
    destination = "/tmp/hvguest"
  }

  provisioner "shell" {
    execute_command = "sudo sh -eux '{{ .Path }}'"
    inline = [
      "chmod 755 /tmp/hvguest",
      "/tmp/hvguest install --cloud-init --replace",
      "rm /tmp/hvguest",
    ]
  }
}
